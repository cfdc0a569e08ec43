console.log('return');
return;
